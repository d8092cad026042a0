"""Why one network beats another: experiments between the two, one change each, trained and compared."""
