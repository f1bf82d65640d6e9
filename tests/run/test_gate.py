import pytest

from helpers.run import gate

HEAD = f'<meta http-equiv="Content-Security-Policy" content="{gate.POLICY}">'


def page(body: str = "", head: str = HEAD) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}<title>t</title>'
        f"<style>p {{ color: #222 }}</style></head><body>{body}</body></html>"
    )


@pytest.mark.parametrize(
    "body",
    [
        "<p>12 % &lt;script&gt; https://example.org is only text</p>",
        '<a href="zh/index.html">中文</a><a href="#top">up</a><a href="tables/a.csv">CSV</a>',
        '<img src="data:image/png;base64,AAAA" alt="x">',
        '<svg xmlns="http://www.w3.org/2000/svg"><use xlink:href="#m"/><path d="M0 0"/></svg>',
        '<svg><g clip-path="url(#a)" style="fill: url(#b)"></g></svg>',
        "<style>@font-face{font-family:x;src:url(data:font/woff2;base64,AAAA)}</style>",
    ],
)
def test_a_page_that_keeps_to_itself_passes(body):
    gate.check_page(page(body))


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<SCRIPT SRC=x></SCRIPT>",
        '<svg><script href="x"/></svg>',
        "<img src=x.png onerror=alert(1)>",
        "<svg onload=alert(1)></svg>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" jAvAsCrIpT:alert(1)">x</a>',
        '<a href="https://example.org/">x</a>',
        '<a href="//example.org/">x</a>',
        '<a href="/etc/passwd">x</a>',
        '<a href="\\\\host\\share">x</a>',
        '<a href="file:///etc/passwd">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<img src="http://example.org/x.png">',
        '<img srcset="https://example.org/x.png 2x">',
        "<meta http-equiv=refresh content='0;url=https://example.org'>",
        '<link rel="stylesheet" href="https://example.org/x.css">',
        "<iframe srcdoc='x'></iframe>",
        "<object data=x></object>",
        "<embed src=x>",
        "<base href=x>",
        '<form action="https://example.org"></form>',
        '<p style="background: url(https://example.org/x.png)">x</p>',
        "<style>@import 'https://example.org/x.css';</style>",
        "<style>p { background: url('x.png') }</style>",
        "<video src=x></video>",
    ],
)
def test_a_page_that_could_run_or_reach_something_does_not_pass(body):
    with pytest.raises(gate.NotFit):
        gate.check_page(page(body))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "absent"),
        (page()[:-30], "absent"),
        (page("x" * 100)[:200], "absent"),
        (page(head=""), "policy is absent"),
        (page(head=HEAD.replace("'none'", "*", 1)), "policy is absent"),
        (page(head=f"<style>p{{}}</style>{HEAD}"), "not the first"),
        (page(HEAD, head=""), "policy is absent"),
    ],
)
def test_a_page_that_is_cut_or_without_its_policy_does_not_pass(text, said):
    with pytest.raises(gate.NotFit, match=said):
        gate.check_page(text)


def test_links_must_lead_to_something_in_the_release_or_to_the_list_above_it(tmp_path):
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "a.html").write_text(page('<a href="../b%20c.html">b</a>'))
    (tmp_path / "b c.html").write_text(page('<a href="../../index.html">all</a>'))
    write_manifest(tmp_path)
    gate.check_folder(tmp_path, ["b c.html", "zh/a.html"], [])
    (tmp_path / "b c.html").rename(tmp_path / "d.html")
    write_manifest(tmp_path)
    with pytest.raises(gate.NotFit, match=r"zh/a.html links to ../b%20c.html: absent"):
        gate.check_folder(tmp_path, [], [])


def test_a_file_that_was_changed_added_or_taken_after_the_manifest_is_found(tmp_path):
    (tmp_path / "a.csv").write_text("1")
    (tmp_path / "b.csv").write_text("1")
    write_manifest(tmp_path)
    gate.check_manifest(tmp_path)
    for change in (
        lambda: (tmp_path / "a.csv").write_text("2"),
        lambda: (tmp_path / "c.csv").write_text("2"),
        lambda: (tmp_path / "b.csv").unlink(),
        lambda: (tmp_path / gate.MANIFEST).write_text("{"),
    ):
        change()
        with pytest.raises(gate.NotFit):
            gate.check_manifest(tmp_path)


def test_a_secret_inside_a_workbook_is_found(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "tables.xlsx", "w", zipfile.ZIP_DEFLATED) as workbook:
        workbook.writestr("xl/sharedStrings.xml", "<t>the pass&amp;word</t>" * 50)
    write_manifest(tmp_path)
    gate.check_folder(tmp_path, [], ["another"])
    with pytest.raises(gate.NotFit, match=r"tables.xlsx holds a secret"):
        gate.check_folder(tmp_path, [], ["pass&word"])


def write_manifest(folder):
    import json

    (folder / gate.MANIFEST).write_text(json.dumps(gate.manifest(folder)))
