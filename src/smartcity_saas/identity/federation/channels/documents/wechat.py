"""WeChat's part of a document."""

from __future__ import annotations

from marshmallow import Schema, fields

from smartcity_saas.configuration.extensions import Part
from smartcity_saas.configuration.fields import Credential, Line
from smartcity_saas.identity.federation.channels import ChannelSettings


class WebsiteSchema(Schema):
    """A website application, for signing in outside the app by scanning a code."""

    app_id = Line(required=True, longest=32, metadata={"description": "Its appid."})
    secret = Credential(goes_to=(), required=True, metadata={"description": "Its secret, by name."})


class WechatSettings(ChannelSettings):
    """An official account, and a website application if there is one."""

    app_id = Line(
        required=True, longest=32, metadata={"description": "The official account's appid."}
    )
    app_secret = Credential(
        goes_to=(), required=True, metadata={"description": "Its secret, by name."}
    )
    website = fields.Nested(
        WebsiteSchema, metadata={"description": "For signing in outside the app."}
    )


parts = (Part("wechat", WechatSettings),)
