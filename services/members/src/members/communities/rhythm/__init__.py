"""The rhythm of communities: the recurring slots that content tells of, of which the launch gate asks one."""
