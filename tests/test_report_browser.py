"""Reports in a real browser: they open, filter, fold and jump, request nothing, and run nobody else's script.

Debian's packages `chromium` and `chromium-driver` are needed; without them these tests are skipped, but never in CI.
"""

import json
import os
import re
import shutil
from importlib.resources import files
from itertools import product

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from test_report import LABELLED, STANCES, THREAD, big_thread, labels_of

from stance.data import LABELS, Post, Thread, posts_table
from stance.evaluate import compare, evaluate
from stance.report import batch_report, comparison_report, evaluation_report, report

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (CHROMIUM and DRIVER) and os.environ.get("CI") != "true":
    pytest.skip("no browser here: apt-get install chromium chromium-driver", allow_module_level=True)

# The browser calls nobody at start: without these it looks up its maker's hosts.
QUIET = ("no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "disable-quic")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "window-size=1400,1000",
        f"user-data-dir={tmp_path_factory.mktemp('user')}",
        *QUIET,
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browse(chromium, tmp_path):
    def open_page(page, width=1100, dark=False):
        path = tmp_path / "report.html"
        path.write_text(page, encoding="utf-8")
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        media = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in media.items()]
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for log in ("browser", "performance"):
            chromium.get_log(log)
        chromium.get(path.as_uri())
        return chromium

    return open_page


def requests(driver):
    events = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in sent if not url.startswith("data:")]


def shown(driver):
    posts = driver.find_elements(By.CSS_SELECTOR, ".post:not(.ghost)")
    return [post.find_element(By.CSS_SELECTOR, ".number").text for post in posts if post.is_displayed()]


def violations(driver):
    driver.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    found = driver.execute_async_script(
        "const done = arguments[0];"
        "const kinds = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];"
        "axe.run({runOnly: kinds}).then((result) => done(result.violations))"
    )
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


BECAUSE = {("page", "2"): [("is", 0.2), ("the", -0.5), ("proof?", 0.7)]}
UNSURE = labels_of(THREAD, STANCES, abstained=[False, True, False, False, True], text_stance=["none"] * 5)
UNSURE.loc[0, ["p_favor", "p_against", "p_none"]] = [0.2, 0.7, 0.1]


def gold(n=60):
    rows = ({"thread": str(n % 6), "post": str(n), "text": f"Words {n}", "author": f"a{n % 9}"} for n in range(n))
    return posts_table(rows).assign(
        stance=[LABELS[k % 3] for k in range(n)],
        site=[f"site {k % 4}" for k in range(n)],
        posted_at=[f"2020-0{k % 8 + 1}-11" for k in range(n)],
    )


def pages():
    truth = gold()
    given = truth.assign(stance=["favor"] * 20 + list(truth["stance"][20:]), abstained=False)
    given = given.assign(p_favor=0.5, p_against=0.3, p_none=0.2)
    other = truth.assign(stance=["none"] * 10 + list(truth["stance"][10:]))
    comparison = compare(truth, given, other)
    card = {"target": "Huawei", "learning_curve": [{"posts": 10, "accuracy": 0.4}, {"posts": 40, "accuracy": 0.6}]}
    return {
        "thread": report(THREAD, UNSURE, because=BECAUSE, card=card, command="stance report x"),
        "evaluation": evaluation_report(evaluate(truth, given), truth, card=card, comparison=comparison),
        "comparison": comparison_report(comparison, truth),
        "by source": batch_report(given, by="source", links={"1": "1.html"}),
        "by week": batch_report(given, by="week"),
        "by author": batch_report(given, by="author"),
    }


PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nothing_of_the_network_and_makes_no_error(browse, name):
    driver = browse(PAGES[name])
    assert requests(driver) == [driver.current_url]
    assert driver.get_log("browser") == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_a_page(browse, name, dark):
    driver = browse(PAGES[name], dark=dark)
    driver.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert violations(driver) == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_does_not_scroll_sideways_on_a_phone(browse, name):
    driver = browse(PAGES[name], width=360)
    driver.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page, window = driver.execute_script(
        "const {scrollWidth, clientWidth} = document.documentElement; return [scrollWidth, clientWidth]"
    )
    assert page == window
    assert violations(driver) == []


def test_branches_fold_and_unfold(browse):
    driver = browse(PAGES["thread"])
    assert shown(driver) == ["#1", "#2", "#4", "#3", "#5"]
    driver.find_element(By.CSS_SELECTOR, ".replies > summary").click()
    assert shown(driver) == ["#1", "#5"]
    driver.find_element(By.ID, "unfold").click()
    assert shown(driver) == ["#1", "#2", "#4", "#3", "#5"]
    driver.find_element(By.ID, "fold").click()
    assert shown(driver) == ["#1", "#5"]


def test_a_branch_folds_by_keyboard(browse):
    driver = browse(PAGES["thread"])
    driver.find_element(By.CSS_SELECTOR, ".replies > summary").send_keys(Keys.ENTER)
    assert shown(driver) == ["#1", "#5"]


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        (lambda find: find("q").send_keys("proof"), ["#2"]),
        (lambda find: find("q").send_keys("ANN"), ["#1", "#4"]),
        (lambda find: Select(find("author")).select_by_value("cid"), ["#3"]),
        (lambda find: find("unsure").click(), ["#2", "#5"]),
        (lambda find: Select(find("sure")).select_by_value("60-79"), ["#1"]),
        (lambda find: Select(find("sure")).select_by_value("80-100"), ["#2", "#4", "#3", "#5"]),
    ],
    ids=["words", "name", "author", "unsure", "half sure", "sure"],
)
def test_filters_keep_what_fits_and_say_how_many(browse, choose, expected):
    driver = browse(PAGES["thread"])
    choose(lambda name: driver.find_element(By.ID, name))
    WebDriverWait(driver, 5).until(lambda _: driver.find_element(By.ID, "found").text != "5 posts")
    assert shown(driver) == expected
    assert driver.find_element(By.ID, "found").text == f"{len(expected)} of 5 posts"


def test_a_stance_can_be_left_out_and_what_a_shown_post_answers_stays_as_a_line(browse):
    driver = browse(PAGES["thread"])
    driver.find_element(By.CSS_SELECTOR, "[name=stance][value=favor]").click()
    driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert shown(driver) == ["#1", "#4", "#5"]
    (ghost,) = [post for post in driver.find_elements(By.CSS_SELECTOR, ".ghost") if post.is_displayed()]
    assert ghost.text.split() == ["#2", "bob", "2020-03-01", "11:00"]


def test_jumps_go_from_unsure_post_to_unsure_post_and_open_what_hides_them(browse):
    driver = browse(PAGES["thread"])
    driver.find_element(By.ID, "fold").click()
    visited = []
    for button in ("next", "next", "next", "previous"):
        driver.find_element(By.ID, button).click()
        visited.append(driver.switch_to.active_element.find_element(By.CSS_SELECTOR, ".number").text)
    assert visited == ["#2", "#5", "#2", "#5"]
    assert driver.find_element(By.ID, "found").text == "unsure post 2 of 2"


def test_a_name_in_the_table_of_people_filters_the_conversation(browse):
    driver = browse(PAGES["thread"])
    driver.find_element(By.CSS_SELECTOR, ".who[data-who=bob]").click()
    assert shown(driver) == ["#2"]


def test_rows_of_many_discussions_sort_by_change(browse):
    driver = browse(PAGES["by source"])
    driver.find_element(By.CSS_SELECTOR, "[data-sort=change]").click()
    rows = driver.find_elements(By.CSS_SELECTOR, ".sortable tbody tr")
    assert rows[0].get_attribute("data-name") == "everything"
    changes = [float(row.get_attribute("data-change")) for row in rows[1:]]
    assert changes == sorted(changes, reverse=True) and len(set(changes)) > 1


PAYLOADS = [
    "window.pwned=1",
    "parent.pwned=1",
    "alert(1)",
    "top['pw'+'ned']=1",
    "eval('window.pwned=1')",
    "setTimeout('window.pwned=1')",
    "import('data:text/javascript,window.pwned=1')",
    "document.body.innerHTML=''",
]
WRAPPERS = [
    "<script>{}</script>",
    "</script><script>{}</script>",
    "</style><script>{}</script>",
    "</title><script>{}</script>",
    "</textarea><script>{}</script>",
    "<!--><script>{}</script>-->",
    "]]><script>{}</script>",
    '<img src=x onerror="{}">',
    '<svg onload="{}">',
    "<svg><script>{}</script></svg>",
    '<svg><animate onbegin="{}" attributeName=x dur=1s>',
    '<body onload="{}">',
    '<iframe srcdoc="<script>{}</script>"></iframe>',
    '<iframe src="javascript:{}"></iframe>',
    '<a href="javascript:{}">click</a>',
    '" onmouseover="{}" x="',
    "' onfocus='{}' autofocus='",
    '" autofocus onfocus={} tabindex=0 x="',
    '<details open ontoggle="{}">',
    '<math><mtext></form><form><mglyph><style></math><img src onerror="{}">',
    "<noscript><p title=\"</noscript><img src=x onerror='{}'>\">",
    '<input autofocus onfocus="{}">',
    '<object data="javascript:{}"></object>',
    "{{{{ ''.__class__ }}}}{{% raw %}}<script>{}</script>",
    "&lt;script&gt;{}&lt;/script&gt;",
    '<meta http-equiv=refresh content="0;javascript:{}">',
]
HOSTILE = [wrapper.format(payload) for wrapper, payload in product(WRAPPERS, PAYLOADS)]


def test_two_hundred_hostile_strings_stay_words(browse):
    assert len(set(HOSTILE)) >= 200
    posts = tuple(
        Post(
            f"{n} {words}",
            words,
            words,
            words,
            f"{n - 1} {HOSTILE[n - 1]}" if n % 3 else None,
            "order",
            (words,),
            words,
        )
        for n, words in enumerate(HOSTILE)
    )
    title = "".join(HOSTILE)
    thread = Thread(title, posts, title, f"javascript:{PAYLOADS[0]}", title, notes=tuple(HOSTILE))
    given = labels_of(
        thread, [LABELS[n % 3] for n in range(len(posts))], reason=[f"language {words}" for words in HOSTILE]
    )
    because = {(thread.id, post.id): [(word, 0.7) for word in post.text.split()] for post in posts}
    driver = browse(report(thread, given, because=because, command=title, target=title, card={"name": title}))
    driver.execute_script(
        "document.querySelectorAll('.who, summary').forEach((part) => part.click());"
        "[...document.querySelectorAll('h3 a')].slice(0, 9).forEach((part) => part.click())"
    )
    assert driver.execute_script("return window.pwned") is None
    texts = driver.execute_script(
        "return [...document.querySelectorAll('.tree .text')].map((text) => text.textContent)"
    )
    assert sorted(texts) == sorted(HOSTILE)
    assert (
        driver.find_elements(By.CSS_SELECTOR, "iframe, object, img, [onerror], [onload], [onfocus], [onmouseover]")
        == []
    )
    assert requests(driver) == [driver.current_url.split("#")[0]]
    assert driver.get_log("browser") == []


def test_five_thousand_posts_open_and_answer_within_three_seconds(browse):
    thread = big_thread(5_000)
    driver = browse(report(thread, labels_of(thread, [LABELS[n % 3] for n in range(5_000)], 0.6)))
    loaded = driver.execute_script(
        "const [entry] = performance.getEntriesByType('navigation'); return entry.loadEventEnd - entry.startTime"
    )
    filtered = driver.execute_async_script(
        "const done = arguments[0], start = performance.now(), box = document.getElementById('q');"
        "box.value = 'camera'; box.dispatchEvent(new Event('input', {bubbles: true}));"
        "requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)))"
    )
    assert re.fullmatch(r"\d[\d,]* of 5000 posts", driver.find_element(By.ID, "found").text)
    assert loaded + filtered < 3_000


def test_without_script_every_post_can_still_be_read(browse, chromium):
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver = browse(report(THREAD, LABELLED))
        assert [post.text for post in driver.find_elements(By.CSS_SELECTOR, ".number")] == [
            "#1",
            "#2",
            "#4",
            "#3",
            "#5",
        ]
        assert not driver.find_element(By.CSS_SELECTOR, ".tools").is_displayed()
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
