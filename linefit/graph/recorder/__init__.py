"""Record: watch torch at work and keep each operation, its value and its gradients."""
