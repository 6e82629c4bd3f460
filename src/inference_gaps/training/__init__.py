"""Training of the models.

- ``schedules``  learning rate and weight of the entropy term over epochs
- ``loop``       the objective and the epochs
"""
