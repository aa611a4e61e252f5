# treehop for fish
