"""What the tests of pages share: a real browser, or one clear line why there is none."""

import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

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
    complaints = [entry["message"] for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    chromium.get("about:blank")
    assert complaints == []
