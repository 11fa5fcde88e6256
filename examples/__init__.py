"""Training with generated kernels, on data that ships with scikit-learn."""
