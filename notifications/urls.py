from django.urls import path

from notifications.views import (
    activity,
    communication,
    deliveries,
    inbox,
    preferences,
    triggers,
    unsubscribe,
    users,
)

app_name = "notifications"
urlpatterns = [
    path("", inbox.home, name="home"),
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/read/", inbox.read_all, name="read_all"),
    path("inbox/unread/", inbox.unread, name="unread"),
    path("inbox/panel/", inbox.panel, name="panel"),
    path("inbox/<int:pk>/", inbox.open_item, name="open"),
    path("inbox/<int:pk>/read/", inbox.read_item, name="read"),
    path("settings/partners/communication/", communication.communication, name="communication"),
    path("settings/partners/communication/test/", communication.test_email, name="test_email"),
    path("settings/notifications/", preferences.start, name="preferences_start"),
    path("settings/notifications/<slug:tab>/", preferences.preferences, name="preferences"),
    path("settings/users/", users.users, name="users"),
    path("settings/users/<int:pk>/", users.member, name="user"),
    path("settings/users/<int:pk>/deactivate/", users.deactivate, name="deactivate_user"),
    path("settings/users/<int:pk>/reactivate/", users.reactivate, name="reactivate_user"),
    path("settings/users/<int:pk>/remove/", users.remove, name="remove_user"),
    path("settings/users/invitations/<int:pk>/send/", users.send_again, name="send_again"),
    path("settings/users/invitations/<int:pk>/revoke/", users.revoke, name="revoke_invitation"),
    path("activity/", activity.activity, name="activity"),
    path("activity/<path:message_id>/", activity.explain, name="explain"),
    path("deliveries/", deliveries.deliveries, name="deliveries"),
    path("deliveries/again/", deliveries.all_again, name="deliveries_again"),
    path("deliveries/<int:pk>/again/", deliveries.again, name="delivery_again"),
    path("triggers/", triggers.triggers, name="triggers"),
    path("u/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
]
