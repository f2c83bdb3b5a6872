from django.urls import path

from notifications.views import demo

app_name = "demo"
urlpatterns = [
    path("", demo.home, name="home"),
    path("pricing/", demo.pricing, name="pricing"),
    path("request-a-demo/", demo.request_demo, name="request-a-demo"),
    path("sign-up/", demo.sign_up, name="sign-up"),
    path("visitor/", demo.choose_visitor, name="visitor"),
    path("language/", demo.choose_language, name="language"),
    path("visit/", demo.report_visit, name="visit"),
    path("outcomes/", demo.outcomes, name="outcomes"),
    path("mailbox/", demo.mailbox, name="mailbox"),
    path("mailbox/list/", demo.mailbox_list, name="mailbox-list"),
    path("mailbox/delivery/<uuid:public_id>/", demo.mail_of_delivery, name="mail-of-delivery"),
    path("mailbox/<str:name>/", demo.mail, name="mail"),
    path("mailbox/<str:name>/html/", demo.mail_html, name="mail-html"),
]
