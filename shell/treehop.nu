# treehop for nu
