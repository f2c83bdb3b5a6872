from django.db import migrations, models

from partners.operations import AddIndexInUse, AddUniqueInUse, RemoveUniqueInUse


class Migration(migrations.Migration):

    # Built beside the running product; one that was broken off may be run again.
    atomic = False

    dependencies = [
        ('notifications', '0023_limits'),
    ]

    operations = [
        AddIndexInUse(
            model_name='delivery',
            index=models.Index(condition=models.Q(('counted_on__isnull', False)), fields=['account', 'counted_on'], name='delivery_counted'),
        ),
        AddUniqueInUse(
            model_name='notification',
            constraint=models.UniqueConstraint(condition=models.Q(('visit', None), _negated=True), fields=('visit', 'membership', 'is_summary'), name='one_notification_per_visit'),
        ),
        AddUniqueInUse(
            model_name='decision',
            constraint=models.UniqueConstraint(condition=models.Q(('part', 'escalation')), fields=('activity', 'kind', 'membership'), name='one_escalation_per_member'),
        ),
        AddUniqueInUse(
            model_name='decision',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('membership', None), _negated=True), models.Q(('part', 'escalation'), _negated=True)), fields=('activity', 'kind', 'membership'), name='one_decision_per_candidate'),
        ),
        # Last: until its successor stands, this one holds.
        RemoveUniqueInUse(
            model_name='decision',
            name='one_decision_per_member',
        ),
    ]
