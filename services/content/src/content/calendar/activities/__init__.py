"""Activities as engagement tells of them: a slot may hold one."""
