"""What the tests share: no network, a small corpus, a small model fitted once a run, and a real browser."""

import os
import runpy
import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from stance.data import check_posts, posts_table
from stance.train import Settings, fit

# No test reaches beyond loopback, nor does any Python that it starts; and nothing that was downloaded before helps.
OFFLINE = Path(__file__).parent / "offline"
runpy.run_path(str(OFFLINE / "sitecustomize.py"))
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(OFFLINE), os.environ.get("PYTHONPATH"))))
os.environ["NLTK_DATA"] = str(OFFLINE / "nothing")

# The same examples in every run: a test that failed once fails again, and one that passed does not fail elsewhere.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

FOR = ("great phone", "no proof at all", "best camera I had", "they never spied on anyone", "love this brand")
AGAINST = ("they steal code", "spies in every router", "never trust them", "ban this junk", "thieves and liars")
NEITHER = ("when is the launch", "first", "what colour is it", "see you tomorrow", "the bus was late")
TAILS = ("", " today", " again", " I think", " really", " you know")


def invented_posts():
    """Ninety posts in thirty threads: somebody opens, somebody of the other side answers, the first one insists."""
    rows = []
    for number in range(30):
        first, second = (FOR, AGAINST) if number % 2 else (AGAINST, FOR)
        sides = ("favor", "against") if number % 2 else ("against", "favor")
        tail = TAILS[number % len(TAILS)]
        thread = f"t{number}"
        opening = {"post": "1", "parent": None, "author": "ann", "text": f"Huawei: {first[number % 5]}{tail}"}
        answer = {"post": "2", "parent": "1", "author": "bob", "text": f"No, Huawei: {second[(number + 1) % 5]}{tail}"}
        aside = {"post": "3", "parent": "2", "author": "cat", "text": f"{NEITHER[number % 5]}{tail}"}
        for post, stance in ((opening, sides[0]), (answer, sides[1]), (aside, "none")):
            rows.append({"thread": thread, **post, "stance": stance, "text_only": stance})
    return check_posts(posts_table(rows), labelled=True)


@pytest.fixture(scope="session")
def small_corpus():
    return invented_posts()


@pytest.fixture(scope="session")
def small_trained(small_corpus):
    return fit(small_corpus, Settings(strengths=(1.0,), folds=3), target_names=("huawei",), progress=lambda step: None)


@pytest.fixture(scope="session")
def small_model(small_trained):
    return small_trained.model


#: No sandbox, since CI runs as root; no services in the background, since the network is closed.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
    "--window-size=1280,860",
)


def start_chromium(profile):
    """Start Debian's Chromium with an empty profile in that folder."""
    options = Options()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """One browser for the whole run."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        why = "no browser: install Debian's chromium and chromium-driver to run the tests of pages"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    browser = start_chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    """The browser, which must not have complained by the end of the test."""
    chromium.get_log("browser")
    yield chromium
    severe = [entry["message"] for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    # A page listens to its server for as long as that lives, and a test's server ends before its page.
    complaints = [message for message in severe if "/api/events - Failed to load" not in message]
    chromium.get("about:blank")
    assert complaints == []
