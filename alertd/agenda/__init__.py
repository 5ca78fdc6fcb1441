"""Who is looked at, and why. Cost follows change: a tick looks at the children of whom something may be otherwise.

Each child has an entry with the next instant at which any of its clocks moves. What else can change an answer is
followed, each thing by how far it was followed last, and calls the children it concerns: readings of the feeds and
their windows, merged numbers, what was told to agencies (:mod:`alertd.agenda.following`). What people say of alerts
and planned silences change no answer but only who is told of it (:mod:`alertd.agenda.words`). Rules, calendar and
program are a digest kept with each entry (:mod:`alertd.agenda.judged_by`): who was judged by another is looked at
again, after those who are due.

Nothing here is true of itself: whoever empties the tables has every child looked at.
"""
