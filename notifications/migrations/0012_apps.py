import notifications.channels
from django.db import migrations, models


def name_webhooks(apps, schema_editor):
    """Until now everything under "Other apps" was a webhook."""
    endpoints = apps.get_model("notifications", "Endpoint").objects
    endpoints.filter(channel="other_apps").update(kind="webhook")


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0011_mail_reports'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='kind',
            field=models.CharField(blank=True, choices=notifications.channels.app_choices, default='', max_length=20, verbose_name='app'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='endpoint',
            name='topics_off',
            field=models.JSONField(blank=True, default=list, verbose_name='topics not sent there'),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='teaser',
            field=models.BooleanField(default=False, verbose_name='without names'),
        ),
        migrations.RunPython(name_webhooks, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('channel', 'other_apps'), models.Q(('kind', ''), _negated=True)), models.Q(models.Q(('channel', 'other_apps'), _negated=True), ('kind', '')), _connector='OR'), name='an_app_has_a_kind'),
        ),
    ]
