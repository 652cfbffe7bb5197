#!/usr/bin/env bash
# Bring the Chinese catalogues up to date with the source: the product's, and each service's own.
# New strings come out empty; a test fails until they are translated.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${VENV:-.venv}/bin
update() { # folder of the source, folder of the catalogue, what to leave out
  local pot
  pot=$(mktemp)
  PYTHONPATH=. "$bin/pybabel" -q extract -F tools/babel.cfg -k lazy_gettext -k lazy_ngettext:1,2 -k _ --no-location \
    --ignore-dirs "$3" -o "$pot" "$1"
  mkdir -p "$2"
  [ -f "$2/zh.po" ] || printf 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n' >"$2/zh.po"
  "$bin/pybabel" -q update --no-fuzzy-matching --ignore-obsolete -w 100 -l zh \
    -i "$pot" -o "$2/zh.po"
  rm "$pot"
  # Names, dates and versions of tools say nothing, and change with every run.
  sed -i -E '/^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Project-Id-Version|Report-Msgid-Bugs-To|Last-Translator|Language-Team):/d; /^# (Translations|Copyright|FIRST|This file|Chinese)/d' "$2/zh.po"
}
update src/smartcity_saas src/smartcity_saas/translations services
for service in src/smartcity_saas/services/[a-z]*/; do
  update "${service%/}" "${service}translations" ""
done
