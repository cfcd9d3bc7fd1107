"""Archives from elsewhere: all of what they hold comes out, and nothing of what they must not do."""

import io
import stat
import tarfile
import zipfile

import pytest

from minissd.data.unpack import BadArchive, unpack

FILES = {"a/one.txt": b"one", "a/b/two.bin": bytes(range(256)) * 40, "three": b""}
SIZE = sum(map(len, FILES.values()))


def tar_with(path, *members, mode="w", files=FILES):
    """A tar file of FILES and then of `members`, TarInfo each."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for member in members:
            archive.addfile(member)
    return path


def zip_with(path, *members, files=FILES):
    """A zip file of FILES and then of `members`, (name or ZipInfo, text) each."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*files.items(), *members]:
            archive.writestr(name, content)
    return path


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def refused(path, folder, limit=10**6):
    with pytest.raises(BadArchive) as caught:
        unpack(path, folder / "inside", limit)
    assert "\n" not in str(caught.value)
    assert not (folder / "evil").exists()
    return str(caught.value)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    return tmp_path / "folder"


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz", "zip"])
def test_everything_comes_out(tmp_path, folder, kind):
    path = zip_with(tmp_path / "x") if kind == "zip" else tar_with(tmp_path / "x", mode=kind)
    assert unpack(path, folder, SIZE) == SIZE
    for name, content in FILES.items():
        assert (folder / name).read_bytes() == content


@pytest.mark.parametrize("kind", ["w", "w:gz", "zip"])
def test_no_more_comes_out_than_is_allowed(tmp_path, folder, kind):
    path = zip_with(tmp_path / "x") if kind == "zip" else tar_with(tmp_path / "x", mode=kind)
    assert f"{SIZE - 1:,}" in refused(path, folder, SIZE - 1)


def test_a_small_archive_of_something_huge(tmp_path, folder):
    path = zip_with(tmp_path / "x", files={"bomb": bytes(20_000_000)})
    assert path.stat().st_size < 50_000
    refused(path, folder, 10**6)
    assert not (folder / "inside" / "bomb").exists()


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../evil"),
        tarfile.TarInfo("a/../../evil"),
        link("way", "../evil"),
        link("way", "/etc/passwd"),
        link("way", "../../secret", tarfile.LNKTYPE),
        link("device", "", tarfile.CHRTYPE),
        link("pipe", "", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.linkname}",
)
def test_tar_members_that_lead_outside(tmp_path, folder, member):
    refused(tar_with(tmp_path / "x.tar", member), folder)


def test_a_tar_member_through_a_link(tmp_path, folder):
    (folder / "elsewhere").mkdir()
    refused(tar_with(tmp_path / "x.tar", link("way", "../elsewhere"), tarfile.TarInfo("way/evil")), folder)
    assert list((folder / "elsewhere").iterdir()) == []


def test_an_absolute_path_in_a_tar_stays_inside(tmp_path, folder):
    unpack(tar_with(tmp_path / "x.tar", tarfile.TarInfo(f"{tmp_path}/evil")), folder / "inside", 10**6)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil", "C:evil"])
def test_zip_members_that_lead_outside(tmp_path, folder, name):
    assert "outside" in refused(zip_with(tmp_path / "x.zip", (name, "x")), folder)


def test_links_in_a_zip(tmp_path, folder):
    assert "link" in refused(zip_with(tmp_path / "x.zip", (zip_link("way"), "../evil")), folder)


@pytest.mark.parametrize("kind", ["tar", "tar.gz", "zip"])
def test_archives_that_are_cut_short_or_damaged(tmp_path, folder, kind):
    path = tmp_path / "x"
    whole = (zip_with(path) if kind == "zip" else tar_with(path, mode="w:gz" if "gz" in kind else "w")).read_bytes()
    for damaged in (b"", b"no archive", whole[: len(whole) // 2], whole[: len(whole) // 3]):
        path.write_bytes(damaged)
        refused(path, folder)


def test_a_zip_with_another_byte(tmp_path, folder):
    path = zip_with(tmp_path / "x.zip")
    content = bytearray(path.read_bytes())
    content[content.index(b"a/b/two.bin") + 40] ^= 1
    path.write_bytes(content)
    refused(path, folder)
