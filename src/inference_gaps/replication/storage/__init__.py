"""Models, posteriors and exact answers as files of tensors."""
