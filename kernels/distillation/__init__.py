"""Divergences between the full next-token distributions of a student and a teacher."""
