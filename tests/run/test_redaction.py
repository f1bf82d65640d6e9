import pytest

from helpers.run.redaction import WITHHELD, Redactor, parts_of_address

PASSWORD = "p%40ss-w0rd"
ADDRESS = f"postgres://shop:{PASSWORD}@db.internal:5432/shop"


@pytest.mark.parametrize("text", [ADDRESS, PASSWORD, "p@ss-w0rd", f"at {ADDRESS}?x: no"])
def test_an_address_and_its_password_are_withheld_as_written_and_decoded(text):
    redacted = Redactor.of({"SHOP": ADDRESS}, "SHOP")(text)
    assert WITHHELD in redacted
    assert PASSWORD not in redacted
    assert "p@ss-w0rd" not in redacted


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "api_key", "DATABASE_URL", "SMTP_PWD"],
)
def test_values_of_variables_that_are_named_like_secrets_are_withheld(name):
    assert Redactor.of({name: "s3cr3t-value"})("is s3cr3t-value!") == f"is {WITHHELD}!"


@pytest.mark.parametrize("name", ["PWD", "OLDPWD", "HOME", "LANG", "PATH"])
def test_ordinary_variables_are_left_alone(name):
    assert Redactor.of({name: "/srv/shop"})("in /srv/shop") == "in /srv/shop"


def test_short_values_are_left_alone_for_they_stand_everywhere():
    assert Redactor.of({"TOKENIZERS_TOKEN": "false"})("false") == "false"


def test_the_user_part_of_any_address_is_withheld():
    text = Redactor()("mysql://a:b@host/db and https://example.org/a@b")
    assert text == f"mysql://{WITHHELD}@host/db and https://example.org/a@b"


def test_json_content_is_redacted_everywhere_and_keeps_its_shape():
    redact = Redactor(["s3cr3t"])
    content = {"a s3cr3t": [{"traceback": ["x s3cr3t"]}, 1, 2.5, None, True]}
    wanted = {f"a {WITHHELD}": [{"traceback": [f"x {WITHHELD}"]}, 1, 2.5, None, True]}
    assert redact.everywhere(content) == wanted


def test_an_address_without_a_password_is_its_only_part():
    assert parts_of_address("duckdb:///srv/shop.db") == ["duckdb:///srv/shop.db"]
    assert parts_of_address("") == []
