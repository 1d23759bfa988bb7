"""Partners as the gateway knows them: which API clients there are, and who agreed that they may be told of them."""
