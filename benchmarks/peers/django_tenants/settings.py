"""A project as ``startproject`` and the manual of django-tenants make one. ``PEER_FOLDER`` is where the
migrations and the page's template are written, ``PEER_DATABASE`` the database as JSON."""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["PEER_FOLDER"])
sys.path.insert(0, str(FOLDER))
SECRET_KEY = "b" * 40
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
LANGUAGE_CODE = "zh-hans"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django_tenants.postgresql_backend",
        "CONN_MAX_AGE": None,  # the connection is kept, as ours is
        **json.loads(os.environ["PEER_DATABASE"]),
    }
}
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SHARED_APPS = ["django_tenants", "tenants", "django.contrib.contenttypes"]
TENANT_APPS = {
    "pages": [
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "billing",
    ],
    "schemas": ["tables"],
}[os.environ["PEER_DOES"]]
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS)]
MIGRATION_MODULES = {name: f"peer_migrations.{name}" for name in ("tenants", "billing", "tables")}
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
MIDDLEWARE = [
    "django_tenants.middleware.main.TenantMainMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "billing.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [FOLDER / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
