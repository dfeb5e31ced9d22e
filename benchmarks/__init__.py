"""How fast the store is, beside the same server's own pace. Run by `make bench`."""
