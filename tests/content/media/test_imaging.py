"""What is drawn of an image, beside what the routes' tests upload."""

import pytest
from PIL import Image
from tests.content.media import pictures

from content.media import imaging


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "I;16"])
def test_no_image_is_drawn_longer_than_promised(mode: str) -> None:
    data = pictures.encoded(Image.new(mode, (imaging.DRAWN_SIDE + 500, 20)), "PNG")
    described, images = imaging.draw("image", data)
    assert described[0]["width"] == imaging.DRAWN_SIDE
    assert [pictures.opened(one).width for one in images] == [one["width"] for one in described]
