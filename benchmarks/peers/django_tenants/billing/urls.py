from django.urls import path

from billing.views import account

urlpatterns = [path("services/utility-bills/accounts/<uuid:link_id>", account)]
