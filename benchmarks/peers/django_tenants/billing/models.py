"""What the bill page reads, in the shape that it has in the product."""

from django.conf import settings
from django.db import models


class Account(models.Model):
    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    number = models.TextField()
    sample = models.BooleanField()
    updated_at = models.DateTimeField()


class Link(models.Model):
    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE)
    resident = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    nickname = models.TextField()
    created_at = models.DateTimeField()


class Bill(models.Model):
    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE)
    period = models.DateField()
    usage = models.BigIntegerField()
    amount = models.BigIntegerField()
    currency = models.TextField()
    due_on = models.DateField()
    paid_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "due_on"])]


class Payment(models.Model):
    id = models.UUIDField(primary_key=True)
    reference = models.TextField(db_index=True)
    state = models.TextField()
    provider = models.TextField()
    amount = models.BigIntegerField()
    refusal = models.TextField(null=True)
    created_at = models.DateTimeField()


class Secret(models.Model):
    name = models.TextField(unique=True)
    bound_to = models.JSONField()
