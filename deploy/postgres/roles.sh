#!/bin/sh
# The two roles and the database, when the cluster is made: one owns the tables, one owns nothing.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" \
    --set owner="$(cat /run/secrets/owner_password)" --set app="$(cat /run/secrets/app_password)" <<'SQL'
CREATE ROLE smartcity_owner LOGIN PASSWORD :'owner';
CREATE ROLE smartcity_app LOGIN PASSWORD :'app';
CREATE DATABASE smartcity OWNER smartcity_owner;
SQL
