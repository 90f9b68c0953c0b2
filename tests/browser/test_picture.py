"""The picture in the documents is one of the real page, made by `python -m tests.browser.picture`."""

import struct

from tests.browser import picture


def size_of(file):
    """Width and height of a PNG."""
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", data[16:24])


def test_the_picture_in_the_documents_is_small_enough():
    assert size_of(picture.PICTURE) == (picture.WIDTH, picture.HEIGHT)
    assert picture.PICTURE.stat().st_size < picture.MOST


def test_it_can_be_taken_again(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(picture.chromium, "started", lambda: _Running(browser))
    picture.take(tmp_path / "again.png")
    assert size_of(tmp_path / "again.png") == (picture.WIDTH, picture.HEIGHT)
    assert (tmp_path / "again.png").stat().st_size < picture.MOST


class _Running:
    """The session's browser, which goes on afterwards."""

    def __init__(self, browser):
        self._browser = browser

    def __enter__(self):
        return self._browser

    def __exit__(self, *_):
        pass
