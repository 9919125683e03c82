"""The one seam to runtimes: a detector's graph, in whichever form it is, made to answer."""
