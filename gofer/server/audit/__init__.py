"""Who did what, from where: events that are stored with what they tell."""
