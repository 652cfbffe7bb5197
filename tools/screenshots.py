"""Pictures of the product for the README, taken from a running demo (``make run``)."""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PORT = os.environ.get("PORT", "8000")
TARGET = Path(__file__).parent.parent / "docs/images/overview.png"
HEIGHT, GAP, GROUND = 860, 32, "#e3e7ea"


def main() -> None:
    """Hangzhou on a phone, and its services on the console, side by side."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        phone = browser.new_page(viewport={"width": 375, "height": HEIGHT}, locale="zh-CN")
        phone.goto(f"http://hangzhou.localhost:{PORT}/")
        console = browser.new_page(viewport={"width": 1080, "height": HEIGHT}, locale="en-US")
        console.goto(f"http://console.localhost:{PORT}/sign-in")
        console.fill("#username", "hangzhou")
        console.fill("#password", "smart-city-demo")
        console.locator("form button").first.click()
        console.goto(
            f"http://console.localhost:{PORT}/cities/hangzhou/services/utility-bills/pause"
        )
        console.fill("#zh", "系统升级，周五恢复。")
        console.fill("#en", "Being upgraded. Back on Friday.")
        console.locator("#looks", has_text="Friday").wait_for()
        _side_by_side(phone, console)
        browser.close()


def _side_by_side(*pages: Page) -> None:
    pictures = [Image.open(BytesIO(page.screenshot())) for page in pages]
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) + 1)
    sheet = Image.new("RGB", (width, HEIGHT + 2 * GAP), GROUND)
    left = GAP
    for picture in pictures:
        sheet.paste(picture, (left, GAP))
        left += picture.width + GAP
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(128).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
