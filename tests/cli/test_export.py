"""``smartcity export``: what is live is written, and no edit that was never applied is lost."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from smartcity_saas.cli.export import export
from smartcity_saas.configuration.document_files import read_files, sha256
from smartcity_saas.configuration.file_plan import SAME, plan
from smartcity_saas.configuration.validation import Candidate
from smartcity_saas.configuration.yaml_source import parse
from smartcity_saas.tenancy.assets import store_asset
from smartcity_saas.tenancy.file_apply import apply_plan
from tests.support.documents import HANGZHOU, NINGBO
from tests.support.world import World

FILES = {
    "hangzhou": "tenants/hangzhou.yaml",
    "province:zhejiang": "config/provinces/zhejiang.yaml",
    "platform": "config/platform.yaml",
}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><!-- drawn by hand -->'
    '<path d="M0 0h8v8z" fill="{}"/></svg>'
)


def exported(folder: Path, *names: str) -> Result:
    return CliRunner().invoke(export, [*names, "--to", str(folder)])


def planned(world: World, folder: Path) -> dict[str, str]:
    files, problems = read_files([folder])
    found = plan(world.documents(), files)
    assert [*problems, *found.problems] == []
    return {step.name: step.act for step in found.steps}


def apply(world: World, folder: Path) -> None:
    apply_plan(world.documents(), plan(world.documents(), read_files([folder])[0]), "")
    world.app.registry.refresh()


def with_logo(world: World, data: bytes, ending: str, based_on: int | None = None) -> None:
    """Upload a city's logo as the console does."""
    name = f"ningbo/logo.{ending}"
    with world.inside("ningbo"):
        store_asset(data, world.clock())
    text = NINGBO + f"branding: {{logo: {name}}}\n"
    live = world.documents().live("ningbo")
    candidate = Candidate(parse(text, "ningbo"), {name: sha256(data)})
    world.documents().save(candidate, live.number, "")
    world.app.registry.refresh()


def raster(ending: str, **options: object) -> bytes:
    image = Image.radial_gradient("L").convert("RGB").rotate(30)
    out = io.BytesIO()
    image.save(out, ending, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "ending, data",
    [
        ("svg", SVG.format("#123456").encode()),
        ("png", raster("PNG", compress_level=1)),
        ("webp", raster("WEBP")),
        ("jpg", raster("JPEG", quality=70)),
    ],
)
def test_what_is_exported_is_the_same_in_the_next_plan(
    world: World, tmp_path: Path, ending: str, data: bytes
) -> None:
    """Documents and pictures of every format, whatever cleaning made of their bytes; and the
    file that was uploaded is known again too."""
    with_logo(world, data, ending)
    assert exported(tmp_path).exit_code == 0
    assert set(planned(world, tmp_path).values()) == {SAME}
    (tmp_path / f"tenants/ningbo/logo.{ending}").write_bytes(data)
    assert set(planned(world, tmp_path).values()) == {SAME}
    assert exported(tmp_path).exit_code == 0
    assert (tmp_path / f"tenants/ningbo/logo.{ending}").read_bytes() == data


def test_a_new_logo_of_the_console_is_exported_and_stays(world: World, tmp_path: Path) -> None:
    """Another picture under the same name replaces the file, so that no later apply of another
    leaf puts the old one back; nor does one without an export before."""
    first, second = SVG.format("#111111").encode(), SVG.format("#222222").encode()
    with_logo(world, first, "svg")
    exported(tmp_path)
    with_logo(world, second, "svg")
    path = tmp_path / "tenants/ningbo.yaml"
    path.write_text(path.read_text("utf-8") + "# a word\n", "utf-8")
    apply(world, tmp_path)
    assert list(world.documents().live("ningbo").files.values()) == [sha256(second)]
    assert exported(tmp_path).exit_code == 0
    assert b"#222222" in (tmp_path / "tenants/ningbo/logo.svg").read_bytes()
    assert set(planned(world, tmp_path).values()) == {SAME}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "edit", ["# a word\n", "nonsense: {\n", 'locked: [site.hotline]\nx: "1"\n']
)
def test_an_edit_that_was_not_applied_is_never_overwritten(
    world: World, tmp_path: Path, name: str, edit: str
) -> None:
    """A comment, half a line or a value: nothing is written, the file is named; ``--force``
    overwrites it. For every kind of document."""
    exported(tmp_path)
    path = tmp_path / FILES[name]
    live = path.read_text("utf-8")
    path.write_text(live + edit, "utf-8")
    (tmp_path / "tenants/shanghai.yaml").unlink()
    for names in ((), (name,)):
        refused = exported(tmp_path, *names)
        assert refused.exit_code == 1
        assert path.name in refused.output
        assert "--force" in refused.output
    assert path.read_text("utf-8") == live + edit
    assert not (tmp_path / "tenants/shanghai.yaml").exists()
    assert exported(tmp_path, "--force").exit_code == 0
    assert path.read_text("utf-8") == live


def test_a_picture_that_was_not_applied_is_never_overwritten(world: World, tmp_path: Path) -> None:
    """A drawing that nobody has applied is an edit like a line of text, though its document does
    not name it yet."""
    with_logo(world, SVG.format("#111111").encode(), "svg")
    picture = tmp_path / "tenants/ningbo/logo.svg"
    picture.parent.mkdir(parents=True)
    picture.write_text(SVG.format("#999999"), "utf-8")
    assert exported(tmp_path).exit_code == 1
    assert "#999999" in picture.read_text("utf-8")
    (tmp_path / "tenants/ningbo.yaml").write_text(NINGBO, "utf-8")
    assert exported(tmp_path, "--force").exit_code == 0
    assert "#111111" in picture.read_text("utf-8")


def test_what_is_stored_elsewhere_is_overwritten(world: World, tmp_path: Path) -> None:
    """The text that was applied last, the live one and an older revision are no edits: export
    brings a stale checkout to what is live, and writes into the file that is there."""
    exported(tmp_path)
    (tmp_path / "tenants/hangzhou.yaml").rename(tmp_path / "tenants/hangzhou.YML")
    for based_on, color in ((1, "#123456"), (2, "#654321")):
        world.documents().change("hangzhou", based_on, "", {("branding", "color"): color})
        assert exported(tmp_path, "hangzhou").exit_code == 0
    path = tmp_path / "tenants/hangzhou.YML"
    assert "#654321" in path.read_text("utf-8")
    world.documents().change("hangzhou", 3, "", {("branding", "color"): "#123457"})
    path.write_text(HANGZHOU, "utf-8")
    assert exported(tmp_path, "hangzhou").exit_code == 0
    assert "#123457" in path.read_text("utf-8")
    assert not (tmp_path / "tenants/hangzhou.yaml").exists()


def test_a_document_in_a_folder_below_is_written_there(world: World, tmp_path: Path) -> None:
    """A linked folder too: a second file of the same city would stop the next plan."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tenants/east").mkdir(parents=True)
    (tmp_path / "tenants/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "tenants/east/hangzhou.yaml").write_text(HANGZHOU, "utf-8")
    (tmp_path / "elsewhere/ningbo.yml").write_text(NINGBO, "utf-8")
    apply(world, tmp_path / "tenants")
    with_logo(world, SVG.format("#123456").encode(), "svg")
    assert exported(tmp_path, "hangzhou", "ningbo").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "tenants").iterdir()) == ["east", "linked"]
    assert "ningbo/logo.svg" in (tmp_path / "elsewhere/ningbo.yml").read_text("utf-8")
    assert set(planned(world, tmp_path / "tenants").values()) == {SAME}
