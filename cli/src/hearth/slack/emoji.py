"""The emoji behind the common short names of Slack reactions; a name that is not here is kept as `:name:`."""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
+1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 heart ❤️ tada 🎉 joy 😂 smile 😄 smiley 😃 grinning 😀 grin 😁 laughing 😆
satisfied 😆 sweat_smile 😅 rolling_on_the_floor_laughing 🤣 rofl 🤣 slightly_smiling_face 🙂 upside_down_face 🙃
wink 😉 blush 😊 innocent 😇 smiling_face_with_3_hearts 🥰 heart_eyes 😍 star-struck 🤩 kissing_heart 😘 yum 😋
stuck_out_tongue 😛 stuck_out_tongue_winking_eye 😜 zany_face 🤪 money_mouth_face 🤑 hugging_face 🤗
face_with_hand_over_mouth 🤭 shushing_face 🤫 thinking_face 🤔 thinking 🤔 zipper_mouth_face 🤐
face_with_raised_eyebrow 🤨 neutral_face 😐 expressionless 😑 no_mouth 😶 smirk 😏 unamused 😒
face_with_rolling_eyes 🙄 grimacing 😬 relieved 😌 pensive 😔 sleepy 😪 sleeping 😴 mask 😷 face_with_thermometer 🤒
nauseated_face 🤢 sneezing_face 🤧 dizzy_face 😵 exploding_head 🤯 face_with_cowboy_hat 🤠 partying_face 🥳
sunglasses 😎 nerd_face 🤓 face_with_monocle 🧐 confused 😕 worried 😟 slightly_frowning_face 🙁 open_mouth 😮
hushed 😯 astonished 😲 flushed 😳 pleading_face 🥺 fearful 😨 cold_sweat 😰 cry 😢 sob 😭 scream 😱 disappointed 😞
sweat 😓 weary 😩 tired_face 😫 yawning_face 🥱 triumph 😤 rage 😡 angry 😠 smiling_imp 😈 skull 💀 poop 💩 hankey 💩
clown_face 🤡 ghost 👻 alien 👽 robot_face 🤖 see_no_evil 🙈 hear_no_evil 🙉 speak_no_evil 🙊 wave 👋 raised_hand ✋
hand ✋ vulcan_salute 🖖 ok_hand 👌 pinched_fingers 🤌 v ✌️ crossed_fingers 🤞 the_horns 🤘 call_me_hand 🤙
point_left 👈 point_right 👉 point_up ☝️ point_up_2 👆 point_down 👇 fist ✊ facepunch 👊 punch 👊 clap 👏
raised_hands 🙌 open_hands 👐 handshake 🤝 pray 🙏 writing_hand ✍️ muscle 💪 ear 👂 brain 🧠 eyes 👀 eye 👁️
face_palm 🤦 facepalm 🤦 shrug 🤷 man-shrugging 🤷‍♂️ woman-shrugging 🤷‍♀️ man-facepalming 🤦‍♂️
woman-facepalming 🤦‍♀️ raising_hand 🙋 bow 🙇 dancer 💃 man_dancing 🕺 baby 👶 wizard 🧙 mage 🧙 superhero 🦸
broken_heart 💔 orange_heart 🧡 yellow_heart 💛 green_heart 💚 blue_heart 💙 purple_heart 💜 black_heart 🖤
white_heart 🤍 two_hearts 💕 sparkling_heart 💖 heartpulse 💗 hearts ♥️ 100 💯 boom 💥 collision 💥 dizzy 💫
sweat_drops 💦 dash 💨 speech_balloon 💬 thought_balloon 💭 zzz 💤 dog 🐶 cat 🐱 mouse 🐭 rabbit 🐰 fox_face 🦊 bear 🐻
panda_face 🐼 koala 🐨 tiger 🐯 lion_face 🦁 cow 🐮 pig 🐷 frog 🐸 monkey_face 🐵 chicken 🐔 penguin 🐧 bird 🐦 duck 🦆
owl 🦉 unicorn_face 🦄 bee 🐝 bug 🐛 butterfly 🦋 snail 🐌 turtle 🐢 snake 🐍 octopus 🐙 crab 🦀 whale 🐳 dolphin 🐬
fish 🐟 shark 🦈 elephant 🐘 bouquet 💐 cherry_blossom 🌸 rose 🌹 sunflower 🌻 tulip 🌷 seedling 🌱 evergreen_tree 🌲
cactus 🌵 four_leaf_clover 🍀 maple_leaf 🍁 mushroom 🍄 apple 🍎 banana 🍌 watermelon 🍉 grapes 🍇 strawberry 🍓
peach 🍑 avocado 🥑 eggplant 🍆 hot_pepper 🌶️ bread 🍞 cheese_wedge 🧀 pizza 🍕 hamburger 🍔 taco 🌮 popcorn 🍿
ramen 🍜 dumpling 🥟 cookie 🍪 cake 🍰 birthday 🎂 doughnut 🍩 chocolate_bar 🍫 coffee ☕ tea 🍵 beer 🍺 beers 🍻
wine_glass 🍷 cocktail 🍸 champagne 🍾 clinking_glasses 🥂 earth_africa 🌍 earth_americas 🌎 earth_asia 🌏 house 🏠
office 🏢 school 🏫 sunrise 🌅 car 🚗 bus 🚌 train 🚋 bike 🚲 airplane ✈️ rocket 🚀 ship 🚢 hourglass ⌛ watch ⌚
alarm_clock ⏰ stopwatch ⏱️ sunny ☀️ cloud ☁️ rain_cloud 🌧️ snowflake ❄️ snowman ⛄ zap ⚡ fire 🔥 droplet 💧
ocean 🌊 star ⭐ star2 🌟 sparkles ✨ rainbow 🌈 full_moon 🌕 crescent_moon 🌙 jack_o_lantern 🎃 christmas_tree 🎄
balloon 🎈 confetti_ball 🎊 gift 🎁 ribbon 🎀 trophy 🏆 medal 🏅 first_place_medal 🥇 second_place_medal 🥈
third_place_medal 🥉 soccer ⚽ basketball 🏀 dart 🎯 video_game 🎮 game_die 🎲 jigsaw 🧩 art 🎨 musical_note 🎵
notes 🎶 microphone 🎤 headphones 🎧 guitar 🎸 phone ☎️ computer 💻 keyboard ⌨️ bulb 💡 flashlight 🔦 book 📖
books 📚 notebook 📓 newspaper 📰 bookmark 🔖 label 🏷️ moneybag 💰 credit_card 💳 email ✉️ envelope ✉️
inbox_tray 📥 outbox_tray 📤 package 📦 mailbox 📫 pencil 📝 memo 📝 pencil2 ✏️ briefcase 💼 file_folder 📁
calendar 📆 date 📅 chart_with_upwards_trend 📈 chart_with_downwards_trend 📉 bar_chart 📊 clipboard 📋 pushpin 📌
round_pushpin 📍 paperclip 📎 scissors ✂️ lock 🔒 unlock 🔓 key 🔑 hammer 🔨 wrench 🔧 gear ⚙️ link 🔗 microscope 🔬
telescope 🔭 satellite 🛰️ pill 💊 door 🚪 shopping_trolley 🛒 warning ⚠️ no_entry ⛔ no_entry_sign 🚫 arrow_up ⬆️
arrow_right ➡️ arrow_down ⬇️ arrow_left ⬅️ back 🔙 on 🔛 soon 🔜 top 🔝 heavy_plus_sign ➕ heavy_minus_sign ➖
infinity ♾️ question ❓ grey_question ❔ exclamation ❗ heavy_exclamation_mark ❗ bangbang ‼️ interrobang ⁉️
recycle ♻️ white_check_mark ✅ heavy_check_mark ✔️ ballot_box_with_check ☑️ x ❌ negative_squared_cross_mark ❎
o ⭕ one 1️⃣ two 2️⃣ three 3️⃣ four 4️⃣ five 5️⃣ six 6️⃣ seven 7️⃣ eight 8️⃣ nine 9️⃣ zero 0️⃣ keycap_ten 🔟
hash #️⃣ ok 🆗 new 🆕 cool 🆒 free 🆓 up 🆙 sos 🆘 red_circle 🔴 large_blue_circle 🔵 large_green_circle 🟢
large_yellow_circle 🟡 white_circle ⚪ black_circle ⚫ large_blue_diamond 🔷 small_blue_diamond 🔹
checkered_flag 🏁 triangular_flag_on_post 🚩 rainbow-flag 🏳️‍🌈 flag-cn 🇨🇳 cn 🇨🇳 flag-us 🇺🇸 us 🇺🇸 flag-gb 🇬🇧
gb 🇬🇧 uk 🇬🇧 flag-de 🇩🇪 de 🇩🇪 flag-fr 🇫🇷 fr 🇫🇷 flag-es 🇪🇸 es 🇪🇸 flag-jp 🇯🇵 jp 🇯🇵 kr 🇰🇷 flag-in 🇮🇳 it 🇮🇹 ru 🇷🇺
male-technologist 👨‍💻 female-technologist 👩‍💻 technologist 🧑‍💻 saluting_face 🫡 melting_face 🫠 heart_hands 🫶
face_holding_back_tears 🥹 smiling_face_with_tear 🥲 hot_face 🥵 cold_face 🥶 people_hugging 🫂 loudspeaker 📢
mega 📣 bell 🔔 mag 🔍 camera 📷 movie_camera 🎥
"""

EMOJI: Final[dict[str, str]] = dict(zip(_TABLE.split()[::2], _TABLE.split()[1::2], strict=True))
"""Short name to emoji."""
