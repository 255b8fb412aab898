"""Object stores: where the bytes of objects are."""
