"""Is every derivative rule tested? Each is broken in every small way there is, and the tests have to notice."""
