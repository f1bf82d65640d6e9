"""Estimators: arrays or small frames in, estimates with intervals out."""
