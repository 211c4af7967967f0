"""The ``local`` back-end: warm interpreters in namespaces, or under Landlock, with nothing but the kernel's help."""
