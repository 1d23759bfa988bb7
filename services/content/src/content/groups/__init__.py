"""Groups as members tells of them: who is in which, so that what is said in a group stays in it."""
