"""Phone-sized glTF head with 52 morph targets, a reader and a software preview of it."""
