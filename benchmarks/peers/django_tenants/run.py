"""What ``make bench`` asks of the peer: ``run.py schemas COUNT``, or ``run.py pages`` with commands on
standard input. Answers are lines of JSON."""

import io
import json
import os
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["PEER_FOLDER"])
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"


def main():
    os.environ["PEER_DOES"] = sys.argv[1]
    prepare()
    if sys.argv[1] == "schemas":
        make_schemas(int(sys.argv[2]))
    else:
        serve_pages()


def prepare():
    """Write the migrations, and migrate what all tenants share."""
    for name in ("", "tenants", "billing", "tables"):
        package = FOLDER / "peer_migrations" / name
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").touch()
    import django

    django.setup()
    from django.core.management import call_command

    call_command("makemigrations", verbosity=0, interactive=False)
    call_command("migrate_schemas", shared=True, verbosity=0, interactive=False)


def make_schemas(count):
    """Make so many tenants; a line for each with its seconds."""
    from tenants.models import Tenant

    for number in range(count):
        begun = time.perf_counter()
        Tenant(schema_name=f"town_{number}", name=f"Town {number}").save(verbosity=0)
        say({"seconds": time.perf_counter() - begun})
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'town_0'"
        )
        say({"tables": cursor.fetchone()[0]})


def serve_pages():
    """Answer ``page`` with the page, and a number of calls with the seconds of CPU that they took."""
    from django.core.wsgi import get_wsgi_application

    cookie, path = sign_in()
    application = get_wsgi_application()
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "hangzhou.localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "hangzhou.localhost",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_ACCEPT_LANGUAGE": "zh",
        "HTTP_COOKIE": cookie,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
    }

    def call():
        said = []
        answer = application(dict(environ), lambda status, headers: said.append(status))
        body = b"".join(answer)
        answer.close()
        return said[0], body

    for line in sys.stdin:
        if line.strip() == "page":
            status, body = call()
            say({"status": status, "body": body.decode()})
            continue
        begun = time.process_time()
        for _call in range(int(line)):
            call()
        say({"seconds": time.process_time() - begun})


def sign_in():
    """The tenant with the rows of ``rows.json``, a session in it, and the page's path."""
    from billing.models import Account, Bill, Link, Secret
    from django.contrib.auth import (
        BACKEND_SESSION_KEY,
        HASH_SESSION_KEY,
        SESSION_KEY,
        get_user_model,
    )
    from django.contrib.sessions.backends.db import SessionStore
    from django_tenants.utils import tenant_context
    from tenants.models import Domain, Tenant

    rows = json.loads((FOLDER / "rows.json").read_text())
    tenant = Tenant(schema_name="hangzhou", name="杭州市")
    tenant.save(verbosity=0)
    Domain(domain="hangzhou.localhost", tenant=tenant, is_primary=True).save()
    with tenant_context(tenant):
        user = get_user_model().objects.create_user("resident")
        Account.objects.bulk_create([Account(**one) for one in rows["accounts"]], 1000)
        Link.objects.bulk_create([Link(resident=user, **one) for one in rows["links"]], 1000)
        Bill.objects.bulk_create([Bill(**one) for one in rows["bills"]], 1000)
        Secret.objects.bulk_create([Secret(**one) for one in rows["secrets"]])
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE billing_account, billing_bill, billing_link")
    cookie = f"sessionid={session.session_key}; csrftoken={'x' * 32}"
    return cookie, f"/services/utility-bills/accounts/{rows['link']}"


def say(found):
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
