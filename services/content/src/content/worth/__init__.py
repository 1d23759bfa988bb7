"""Worth: what each piece did for its readers, and how what is said is balanced between serving and selling."""
