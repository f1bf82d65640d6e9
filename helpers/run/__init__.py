"""The run: arguments, execution of the chapters, publication."""
