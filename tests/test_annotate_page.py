"""The labelling page in a real browser, worked by keyboard as a person works it."""

import functools
import json
import random
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from stance.annotate import app
from stance.annotate.events import Event
from stance.annotate.store import Store
from stance.data import posts_table
from stance.tables import write_table

POSTS = posts_table(
    {
        "thread": "masts",
        "title": "Who builds the masts?",
        "post": str(number),
        "parent": str(number // 2) if number > 1 else None,
        "author": ("Ann", "Bob", "Cem", "Dia")[number % 4],
        "text": f"Remark {number} about the masts.",
    }
    for number in range(1, 25)
)


#: Nobody has a model of this target: the process beside each server has nothing to load.
NO_MODEL = ("--target", "Acme")


class Server:
    """`stance annotate` as a process that can be killed and started again."""

    def __init__(self, folder, posts=POSTS, *options):
        self.database = folder / "labels.db"
        write_table(posts, folder / "posts.jsonl")
        command = (sys.executable, "-m", "stance", "annotate", str(folder / "posts.jsonl"), "--db", str(self.database))
        self.command = (*command, "--no-open", "--annotator", "ann", *options)
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def standing(self, kind="stance", annotator="ann"):
        query = "SELECT post, value FROM standing WHERE kind = ? AND annotator = ? ORDER BY number"
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, (kind, annotator)).fetchall()

    def event_count(self):
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute("SELECT count(*) FROM event").fetchone()[0]


@pytest.fixture
def serve(tmp_path, chromium):
    servers = []

    def start(posts=POSTS, *options):
        servers.append(Server(tmp_path, posts, *NO_MODEL, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


class Page:
    """What a person does and sees."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        browser.get(address)
        self.until(lambda: browser.execute_script("return document.body.dataset.ready"))

    def until(self, condition):
        return WebDriverWait(self.browser, 30, poll_frequency=0.02).until(lambda _: condition())

    def press(self, *keys):
        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()

    def text(self, name):
        return self.browser.find_element(By.ID, name).text

    def saved(self):
        return self.until(lambda: self.text("saved") == "saved")

    def shows(self, words):
        return self.until(lambda: words in self.text("text"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory, chromium):
    server = Server(tmp_path_factory.mktemp("shared"), POSTS, *NO_MODEL)
    yield server
    server.kill()


@pytest.fixture
def page(browser, shared, request):
    """The page of an annotator of this test's own, on a server that the tests share."""
    name = re.sub(r"\W+", "-", request.node.name)[-40:].strip("-_")
    shown = Page(browser, f"{shared.address}?annotator={name}")
    shown.given = functools.partial(shared.standing, annotator=name)
    return shown


def test_one_key_gives_a_label_and_the_next_post_comes(page):
    page.shows("Remark 1 ")
    page.press("f", "a", "n", "u")
    page.shows("Remark 5 ")
    page.saved()
    assert page.given() == [("1", "favor"), ("2", "against"), ("3", "none"), ("4", "unsure")]
    assert page.text("pace").startswith("4 of 24")


def test_undo_takes_back_and_returns_to_the_post(page):
    page.press("f", "a", "z")
    page.shows("Remark 2 ")
    page.press("z")
    page.shows("Remark 1 ")
    page.saved()
    assert page.given() == []


def test_undo_reaches_back_behind_a_reload(page):
    page.press("f", "a")
    page.saved()
    page = Page(page.browser, page.address)
    page.shows("Remark 3 ")
    page.press("z")
    page.shows("Remark 2 ")
    page.saved()
    assert page.browser.find_element(By.CSS_SELECTOR, '[data-post="2"]').get_attribute("data-label") == ""


def test_a_skipped_post_comes_again_at_the_end(browser, serve):
    server = serve(POSTS.head(3))
    page = Page(browser, server.address)
    page.press("s", "f", "a")
    page.shows("Remark 1 ")
    page.press("n")
    page.until(lambda: "Nothing left to label" in page.text("finished"))
    page.saved()
    assert page.text("pace") == "3 of 3"
    assert server.standing() == [("2", "favor"), ("3", "against"), ("1", "none")]


def test_the_post_stands_below_what_it_answers_and_in_its_tree(page):
    page.press("j", "j", "j")  # 1, then its first reply 2, then 4, then 8
    page.shows("Remark 8 ")
    parents = page.browser.find_elements(By.CSS_SELECTOR, "#parents li p")
    assert [parent.text for parent in parents] == [f"Remark {number} about the masts." for number in (1, 2, 4)]
    current = page.browser.find_element(By.CSS_SELECTOR, ".row.current")
    assert (current.get_attribute("data-post"), current.get_attribute("aria-level")) == ("8", "4")
    page.press("k")
    page.shows("Remark 4 ")


def test_words_alone_hides_the_conversation_and_gives_the_other_label(page):
    page.press("f", "t")
    page.shows("Remark 2 ")
    assert page.text("parents") == ""
    assert not page.browser.find_element(By.ID, "tree").is_displayed()
    page.press("n", "t")
    page.saved()
    assert (page.given(), page.given("text_only")) == ([("1", "favor")], [("2", "none")])


def test_coming_back_to_a_way_of_reading_goes_to_what_is_left_in_it(page):
    page.press("f", "a", "t")
    page.shows("Remark 3 ")
    page.press("n")
    page.shows("Remark 1 ")
    page.press("t")
    page.shows("Remark 3 ")


def test_a_note_is_kept_with_the_post_and_keys_in_it_are_words(page):
    page.press("e")
    page.press("a fan?", Keys.ESCAPE)
    page.press("f")
    page.shows("Remark 2 ")
    page.saved()
    assert page.given("note") == [("1", "a fan?")]
    page.press("k")
    assert page.browser.find_element(By.ID, "note").get_attribute("value") == "a fan?"


def test_a_note_that_was_being_written_survives_the_tab(page):
    page.press("e")
    page.press("half a thou")
    page.browser.get("about:blank")
    page = Page(page.browser, page.address)
    assert page.browser.find_element(By.ID, "note").get_attribute("value") == "half a thou"


def test_the_codebook_and_the_author_s_other_posts_are_one_key_away(page):
    page.press("c")
    assert "stance its AUTHOR takes" in page.text("codebook")
    page.press(Keys.ESCAPE, "o")
    assert page.text("others-title") == "6 posts by Bob in this thread"
    page.press(Keys.ESCAPE, "p")
    page.until(lambda: "annotator" in page.text("progress-body"))


def test_disagreements_stand_side_by_side_and_are_decided_by_a_key(browser, serve):
    server = serve(POSTS.head(2))
    store = Store(server.database)
    for name, value in (("ann", "favor"), ("bob", "against")):
        store.add([Event(f"{name}-{post}", name, "masts", post, "stance", value) for post in ("1", "2")])
    store.close()
    page = Page(browser, server.address)
    page.press("d")
    page.until(lambda: "2 posts with different labels, 2 to decide" in page.text("disagreements-body"))
    page.press("n", "f")
    page.until(lambda: "0 to decide" in page.text("disagreements-body"))
    page.press(Keys.ESCAPE)
    page.saved()
    assert server.standing("stance_decision") == [("1", "none"), ("2", "favor")]


def test_labels_given_while_the_server_is_away_arrive_when_it_is_back(browser, serve):
    server = serve()
    page = Page(browser, server.address)
    page.press("f")
    page.saved()
    server.kill()
    page.press("a", "n", "z", "u")
    page.until(lambda: "server not reachable" in page.text("saved"))
    page.shows("Remark 4 ")
    server.start()
    page.saved()
    browser.get_log("browser")  # its complaints that the server was away are what this test is about
    assert server.standing() == [("1", "favor"), ("2", "against"), ("3", "unsure")]


def label_through_kills(browser, server, n_labels, n_kills, seed):
    """Label by keyboard; kill -9 the server at random moments, the tab sometimes too."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    kills = set(chance.sample(range(1, n_labels), n_kills))
    page = Page(browser, server.address)
    for number in range(n_labels):
        page.shows(f"Remark {number + 1} ")
        page.press(chance.choice("fan"))
        if number in kills:
            server.kill()
            server.start()
            if chance.random() < 0.5:
                page = Page(browser, server.address)
    page.saved()
    browser.get_log("browser")


def test_killing_the_server_at_random_moments_loses_and_doubles_nothing(browser, serve):
    server = serve()
    # The whole of it, 50 labels and 20 kills: python -m benchmarks.annotate kills.
    label_through_kills(browser, server, n_labels=8, n_kills=2, seed=3)
    assert [post for post, _ in server.standing()] == [str(number) for number in range(1, 9)]
    assert server.event_count() == 8


HOSTILE = (
    "<script>window.hit = 1</script>",
    '<img src=x onerror="window.hit = 1">',
    '"><svg onload=window.hit=1>',
    "javascript:window.hit=1",
    "{{ 7 * 7 }}${7*7}",
    "</textarea><script>window.hit = 1</script>",
    "\u202e<b>right to left</b>\x00",
)


def test_hostile_words_stay_words(browser, serve):
    posts = posts_table(
        {"thread": words, "title": words, "post": words, "author": words, "parent": None, "text": words, "quote": words}
        for words in HOSTILE
    )
    server = serve(posts)
    page = Page(browser, server.address)
    for words in HOSTILE:
        shown = browser.find_element(By.ID, "text").get_attribute("textContent")
        assert shown == words
        page.press("o", Keys.ESCAPE, "e", words.replace("\x00", ""), Keys.ESCAPE, "f")
    page.press("p")
    page.saved()
    assert browser.execute_script("return window.hit ?? null") is None
    assert (
        browser.execute_script("return document.querySelectorAll('#reading script, #reading img, .row svg').length")
        == 0
    )


def test_the_page_fits_a_phone_and_is_worked_with_the_thumb(page):
    page.browser.set_window_size(500, 800)
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        wide = page.browser.execute_script("return document.documentElement.scrollWidth")
        buttons = page.browser.find_elements(By.CSS_SELECTOR, "[data-answer]")
        page.browser.find_element(By.CSS_SELECTOR, '[data-answer="against"]').click()
        page.shows("Remark 2 ")
        assert wide == 360
        assert min(button.size["height"] for button in buttons[:3]) >= 44
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.browser.set_window_size(1280, 860)


def violations(browser):
    # Through the inspector, because the page's own policy lets no script in.
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    kinds = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    found = browser.execute_async_script(
        "axe.run({runOnly: arguments[0]}).then((result) => arguments[1](result.violations))", kinds
    )
    return [(each["id"], node["html"]) for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_page(page, scheme):
    emulate = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", emulate)
    page.press("f", "a", "u")
    page.saved()
    found = violations(page.browser)
    for panel in "c?po":
        page.press(panel)
        found += violations(page.browser)
        page.press(Keys.ESCAPE)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert found == []


def test_nothing_is_asked_of_anybody_else(page, shared):
    page.press("f", "a", "p")
    page.saved()
    names = page.browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in names if not name.startswith(shared.address)] == []


def test_the_page_sets_no_markup_from_strings():
    scripts = sorted((Path(app.__file__).parent / "page").glob("*.js"))
    risky = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function")
    found = [(script.name, word) for script in scripts for word in risky if word in script.read_text()]
    assert (len(scripts), found) == (5, [])


def test_every_answer_is_json_that_a_page_can_read(page):
    answer = page.browser.execute_async_script(
        "const done = arguments[0]; fetch('/api/progress').then((answer) => answer.text()).then(done)"
    )
    assert json.loads(answer)["posts"] == len(POSTS)
