"""Prepared data, models, posteriors and exact answers as files of tensors."""
