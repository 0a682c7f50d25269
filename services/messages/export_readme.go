package messages

// exportReadme is README.txt of the file that people download.
const exportReadme = `Your data, as it was on {time}.

All files but the picture are JSON (UTF-8). Times are UTC. In lists every item
stands on a line of its own, the oldest first where there is an order in time.

account.json            your account: names, e-mail address, role, how you sign
                        in (without any secret), linked sign-in providers
sessions.json           the devices that are or were signed in, while they are
                        remembered
activity.json           what the log of your account says. Where somebody else
                        did it, such as an administrator, the address and the
                        device are left out: they are not yours
profile.json            your profile, what you show of yourself, and when you
                        were last seen
picture.jpg             your picture, if you have one
blocks.json             the people you blocked
users-activity.json     what the log of the profiles says you did there
messages-settings.json  who may write to you first, and whether you tell how far
                        you have read
reports.json            the reports that you made to the moderators
messages-activity.json  what the log of the messages says you did there
conversations.json      a list of your conversations: with whom, how many
                        messages ("messages"), how far you have read
                        ("read_seq"), whether it is a request, whether you
                        blocked the person
conversations/ID.json   one file for each of them, with all messages in order.
                        "sender_id" is your id (see profile.json) or that of the
                        person in "with". An empty "body" is a message that was
                        erased

Messages that came while this file was made may not be in it. Of other people
there is nothing in it but their names and what was said between you.
`
