//! Several people at one workstation, each with their own rights; sign-ins that end.
