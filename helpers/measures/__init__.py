"""One module a chapter: a store and a period in, one small frame out."""
