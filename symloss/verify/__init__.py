"""The judge: the declared expression in high precision, sharing no code with the compiler."""
