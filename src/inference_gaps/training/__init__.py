"""Training of the models.

- ``schedules``  learning rate and weight of the entropy term over epochs
- ``loop``       the objective and the epochs
- ``run``        a model built and trained, or refused where it diverged
"""
