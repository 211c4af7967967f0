"""What runs inside the two sandboxes of the split judge. Standard library only; read as text, never imported here.

``codec`` is in both, ``program`` serves the policy's program in the first sandbox, ``tests`` runs the tests in the
second with the stand-ins of ``stubs``. What they cannot import here they find there under ``_veritune_*``.
"""
