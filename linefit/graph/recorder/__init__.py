"""Record each operation that torch runs, with its value and its gradients."""
