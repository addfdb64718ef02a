"""The page in a browser: headless Chromium, where there is one."""

import json
import shutil

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,900",
)

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="no browser: on Debian, apt install chromium chromium-driver",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def page(browser, study_page, tmp_path_factory):
    """The browser with the page of a study."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(study_page)
    browser.get(path.as_uri())
    return browser


def column(page, heading):
    """What stands in a column of the leaderboard, from top to bottom."""
    return page.execute_script(
        """
        const table = document.querySelector("table.sortable");
        const names = [...table.tHead.rows[0].cells].map((cell) => cell.innerText.trim());
        const place = names.findIndex((name) => name.startsWith(arguments[0]));
        return [...table.tBodies[0].rows].map((row) => row.cells[place].innerText.trim());
        """,
        heading,
    )


def click(page, heading):
    page.execute_script(
        """
        [...document.querySelectorAll("table.sortable th button")]
          .find((button) => button.innerText.trim().startsWith(arguments[0])).click();
        """,
        heading,
    )


def background(page):
    return page.execute_script("return getComputedStyle(document.body).backgroundColor")


def test_it_loads_without_a_word_on_the_console(page):
    assert page.get_log("browser") == []
    assert page.title.startswith("Is rg essential?")
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_nothing_is_wider_than_the_window(page):
    for width in (1000, 500):
        page.set_window_size(width, 900)
        wide, seen = page.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= seen


def test_its_numbers_are_those_of_the_results(page, small_study):
    results = [json.loads(path.read_text()) for path in small_study.glob("confirm/*/result.json")]
    best = {}
    for result in results:
        key = (result["config"]["N"], result["config"]["loss"]["weights"]["rg"])
        best.setdefault(key, []).append(result["extrapolation_error_next10pct"])
    means = sorted(sum(errors) / len(errors) for errors in best.values())
    told = [float(cell.split(" ± ")[0]) for cell in column(page, "next 10%")]
    assert told == pytest.approx(means, rel=1e-2)


def test_the_leaderboard_sorts(page):
    click(page, "N")
    rising = [int(cell.replace(",", "")) for cell in column(page, "N")]
    assert rising == sorted(rising)
    assert len(set(rising)) == 2
    click(page, "N")
    assert [int(cell.replace(",", "")) for cell in column(page, "N")] == rising[::-1]
    click(page, "next 10%")
    errors = [float(cell.split(" ± ")[0]) for cell in column(page, "next 10%")]
    assert errors == sorted(errors)
    sorted_by = page.execute_script(
        "return [...document.querySelectorAll('th[aria-sort]')].map((cell) => cell.ariaSort)"
    )
    assert sorted_by == ["ascending"]


def test_the_theme_switches_and_is_remembered(page):
    before = background(page)
    page.execute_script("document.getElementById('theme').click()")
    after = background(page)
    assert before != after
    page.refresh()
    assert background(page) == after
    page.execute_script("document.getElementById('theme').click()")
    assert background(page) == before


def test_figures_are_seen_on_either_ground(page):
    """Text and axes have the colour of the page's text, whichever the theme is."""
    for theme in ("light", "dark"):
        page.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
        ink, label = page.execute_script(
            """
            const text = document.querySelector("figure svg text");
            return [getComputedStyle(document.body).color, getComputedStyle(text).fill];
            """
        )
        assert ink == label


def test_every_figure_is_named_for_who_does_not_see_it(page):
    named = page.execute_script(
        """
        return [...document.querySelectorAll("figure svg")].map((svg) =>
          [svg.getAttribute("role"), ...svg.getAttribute("aria-labelledby").split(" ")
            .map((id) => document.getElementById(id).textContent.length > 10)]);
        """
    )
    assert len(named) == 11
    assert all(one == ["img", True, True] for one in named)


def test_on_paper_it_is_light_and_nothing_is_folded(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        page.execute_script("document.documentElement.dataset.theme = 'dark'")
        assert background(page) == "rgb(255, 255, 255)"
        page.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert (
            page.execute_script("return document.querySelectorAll('details:not([open])').length")
            == 0
        )
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
