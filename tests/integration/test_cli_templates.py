"""``alertd templates``, as whoever keeps an authority's words meets it."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import Here


def test_lists_every_template_and_what_each_may_name(here: Here) -> None:
    done = here("templates", "list")
    assert done.code == 0
    assert "alertd's own digest.md.j2" in done.out and "mail.sections[].families[].children[].lines[].title" in done.out
    assert "mail.rows" not in done.out and "say: the text in the reader's language" in done.out


def test_our_own_are_sound_in_both_languages(here: Here) -> None:
    done = here("templates", "check")
    assert (done.code, done.out) == (0, "5 templates are sound, in en and cy.\n")


def test_a_fault_ends_with_its_file_line_and_a_suggestion(here: Here, tmp_path: Path) -> None:
    (tmp_path / "urgent.cy.md.j2").write_text("{{ mail.subject }}\n{{ mail.line.titel }}\n")
    done = here("templates", "check", "--folder", tmp_path)
    assert done.code == 2
    assert "urgent.cy.md.j2:2: there is no 'titel' of InternalLine. Did you mean title?" in done.err


def test_a_template_for_a_rule_nobody_has_is_told(here: Here, tmp_path: Path) -> None:
    (tmp_path / "urgent.cp.vist.md.j2").write_text("{{ mail.subject }}\n")
    done = here("templates", "check", "--folder", tmp_path)
    assert done.code == 2 and "there is no rule 'cp.vist'. Did you mean cp.visit?" in done.err


def test_shows_an_authoritys_own_and_ours_in_welsh(here: Here, tmp_path: Path) -> None:
    (tmp_path / "urgent.cp.visit.md.j2").write_text("Ours about {{ mail.line.title }}.\n")
    own = here("templates", "show", "urgent", "--rule", "cp.visit", "--folder", tmp_path)
    assert own.code == 0 and "Ours about Child protection visit." in own.out
    welsh = here("templates", "show", "digest", "--language", "cy", "--role", "team_manager")
    assert "PWY SYDD Â BETH" in welsh.out and "Ymweliad amddiffyn plant" in welsh.out


def test_writes_the_html_to_look_at(here: Here, tmp_path: Path) -> None:
    page = tmp_path / "mail.html"
    done = here("templates", "show", "notification", "--html", page)
    assert done.code == 0 and page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_notification_may_have_words_of_its_own_for_a_rule_and_a_kind_of_agency(here: Here, tmp_path: Path) -> None:
    (tmp_path / "notification.notify.n1.gp.cy.md.j2").write_text("Annwyl feddyg\n")
    (tmp_path / "notification.notify.n5.school.md.j2").write_text("Dear virtual head\n")
    folder = ("--folder", tmp_path)
    checked = here("templates", "check", *folder)
    assert (checked.code, checked.out) == (0, "7 templates are sound, in en and cy.\n")
    for rule, role, language, says in (
        ("notify.n1", "gp", "cy", "Annwyl feddyg"),
        ("notify.n1", "gp", "en", "What you are told"),
        ("notify.n5.school", "virtual_head", "en", "Dear virtual head"),
    ):
        asked = ("--rule", rule, "--role", role, "--language", language)
        shown = here("templates", "show", "notification", *asked, *folder)
        assert shown.code == 0 and says in shown.out
    (tmp_path / "notification.notify.n1.gpp.md.j2").write_text("Dear doctor\n")
    wrong = here("templates", "check", *folder)
    assert wrong.code == 2 and "there is no rule 'notify.n1.gpp'" in wrong.err


def test_a_word_nobody_knows_is_told_with_what_there_is(here: Here) -> None:
    for args, says in (
        (("digset",), "Did you mean digest?"),
        (("digest", "--language", "fr"), "Use en, cy"),
        (("digest", "--role", "team_manger"), "Did you mean team_manager?"),
        (("urgent", "--rule", "cp.vist"), "Did you mean cp.visit?"),
    ):
        done = here("templates", "show", *args)
        assert done.code == 2 and says in done.err
